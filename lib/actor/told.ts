/**
 * The promise of a message whose sender wants no answer.
 *
 * @module
 */

/**
 * Lets a tell be sent without being looked at: its rejection is not reported as unhandled.
 *
 * Whoever awaits it gets the rejection all the same; what reached the actor's node and no actor is
 * among the dead letters there.
 */
export function told(sent: Promise<void>): Promise<void> {
  sent.catch(() => {});
  return sent;
}

/** A tell that failed at once. */
export function notTold(error: unknown): Promise<void> {
  return told(Promise.reject(error));
}
