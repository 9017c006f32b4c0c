/**
 * What a node answers to plain HTTP on its port.
 *
 * @module
 */

/**
 * Answers `GET /health` with the node's state; everything else is not found.
 *
 * @param request The request.
 * @param health What `/health` shows.
 */
export function answerHttp(request: Request, health: Record<string, unknown>): Response {
  const { pathname } = new URL(request.url);
  if (pathname !== "/health") return Response.json({ error: "not found" }, { status: 404 });
  if (request.method === "GET" || request.method === "HEAD") return Response.json(health);
  return Response.json({ error: "method not allowed" }, { status: 405, headers: { allow: "GET" } });
}
