/**
 * Facts that an actor tells about itself.
 *
 * @module
 */

import { asActorError } from "../errors.ts";
import type { ActorHooks } from "./actor.ts";

/** Facts by name. */
export type Metadata = Record<string, string>;

/**
 * Asks an actor for its facts.
 *
 * @returns A promise when the hook is async.
 * @throws {PulsingActorError} The hook threw, or gave something else than texts.
 */
export function metadataOf(
  hooks: ActorHooks | undefined,
  actor: string,
): Metadata | Promise<Metadata> {
  try {
    const metadata: unknown = hooks?.metadata?.() ?? {};
    if (!(metadata instanceof Promise)) return checked(metadata, actor);
    return metadata.then((value) => checked(value, actor), (error) => {
      throw asActorError(error, actor);
    });
  } catch (error) {
    throw asActorError(error, actor);
  }
}

function checked(metadata: unknown, actor: string): Metadata {
  if (isTexts(metadata)) return { ...metadata };
  throw asActorError(new TypeError("Cannot read metadata: expected texts by name"), actor);
}

function isTexts(value: unknown): value is Metadata {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === "string");
}
