/**
 * Where a node can be dialled that does not know it itself: pure.
 *
 * Whoever listens on every interface, with `0.0.0.0` or `::`, knows its port but not the host by
 * which others reach it; the other end of a connection does.
 *
 * @module
 */

import {
  formatHostPort,
  type HostPort,
  isLoopbackHost,
  isWildcardHost,
  parseHostPort,
} from "../address.ts";

const HOST_AND_PORT = /^(?:\[([^[\]\s]+)\]|([^[\]\s]+)):\d{1,5}$/;
const IPV6 = /^(?:[\da-f]{0,4}:){2,7}(?:[\da-f]{0,4}|\d{1,3}(?:\.\d{1,3}){3})(?:%\w+)?$/i;
const MAPPED_IPV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/**
 * The host of a connection's other end.
 *
 * @param remoteAddress As sockets tell it: an IPv6 host may be without brackets.
 * @returns `undefined` when the text names no host that can be dialled.
 */
export function hostOf(remoteAddress: string): string | undefined {
  const match = HOST_AND_PORT.exec(remoteAddress);
  const text = match?.[1] ?? match?.[2];
  if (text === undefined) return undefined;
  const host = MAPPED_IPV4.exec(text)?.[1] ?? text;
  return isDialable(host) ? host : undefined;
}

/** Whether a text is a host that another node can be told to dial. */
export function isDialable(host: string): boolean {
  if (isWildcardHost(host)) return false;
  if (host.includes(":")) return IPV6.test(host);
  return hostPortOf(formatHostPort({ host, port: 0 }))?.host === host;
}

/**
 * The address to dial a peer at: what it says, with the host it was met at when it names none.
 *
 * @param address What the peer introduced itself with.
 * @param remoteAddress The other end of the connection to it.
 */
export function dialableAddress(
  address: string | undefined,
  remoteAddress: string,
): string | undefined {
  const said = hostPortOf(address);
  if (said === undefined || !isWildcardHost(said.host)) return address;
  const host = hostOf(remoteAddress);
  return host === undefined ? address : formatHostPort({ host, port: said.port });
}

/**
 * Where to dial a node that is told of: as it was met, when what is told names no host, as a node
 * says of itself that has dialled nobody yet.
 *
 * @param told The new address.
 * @param known The one it was known by.
 */
export function toldAddress(told: string, known: string): string {
  const said = hostPortOf(told);
  return known !== "" && said !== undefined && isWildcardHost(said.host) ? known : told;
}

/**
 * The address of a node that listens on every interface, after another node has told how it sees
 * it: the first host stays, but for one that only its own machine can dial.
 *
 * @param bound What it listens on.
 * @param current What it gives as its address now.
 * @param host How the other node sees it.
 * @returns The better address; `undefined` when the current one stays.
 */
export function betterAddress(
  bound: string | undefined,
  current: string | undefined,
  host: string,
): string | undefined {
  const [listens, says] = [hostPortOf(bound), hostPortOf(current)];
  if (listens === undefined || says === undefined || !isWildcardHost(listens.host)) {
    return undefined;
  }
  const isBetter = isWildcardHost(says.host) ||
    (isLoopbackHost(says.host) && !isLoopbackHost(host));
  return isBetter && isDialable(host) ? formatHostPort({ host, port: says.port }) : undefined;
}

function hostPortOf(address: string | undefined): HostPort | undefined {
  try {
    return address === undefined ? undefined : parseHostPort(address);
  } catch {
    return undefined; // not every transport has hosts and ports
  }
}
