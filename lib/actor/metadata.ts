/**
 * Facts that an actor tells about itself.
 *
 * @module
 */

import { asActorError } from "../errors.ts";
import type { ActorHooks } from "./actor.ts";

/**
 * Asks an actor for its facts.
 *
 * @throws {PulsingActorError} The hook threw, or gave something else than texts.
 */
export function metadataOf(hooks: ActorHooks | undefined, actor: string): Record<string, string> {
  try {
    const metadata: unknown = hooks?.metadata?.() ?? {};
    if (isTexts(metadata)) return { ...metadata };
  } catch (error) {
    throw asActorError(error, actor);
  }
  throw asActorError(new TypeError("Cannot read metadata: expected texts by name"), actor);
}

function isTexts(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null &&
    Object.values(value).every((text) => typeof text === "string");
}
