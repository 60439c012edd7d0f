// Requests to the server, and the messages for those that fail.

export const UNREACHABLE = "Airflow cannot be reached. Check your connection and try again.";

const LONGEST_MS = 30000; // longer than the server lets any response take

/** Headers of every request of the console; other sites' pages cannot send them. */
export const HEADERS = { "X-Label-Loop": "console", Accept: "application/json" };

/** A request that failed; the message is for the user. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {number} status of HTTP; 0 if there was no response
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }

  /** Whether the same request may succeed later. */
  get isPassing() {
    return this.status === 0 || this.status >= 500;
  }
}

/**
 * Return the message of whatever was thrown.
 *
 * @param {unknown} error
 * @returns {string}
 */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Return the address of one of the loop's endpoints.
 *
 * @param {string} path
 * @returns {string}
 */
export function address(path) {
  const { base = "", loop = "" } = document.body.dataset;
  return `${base}/${encodeURIComponent(loop)}/${path}`;
}

/**
 * Return the reason given in a response, or null.
 *
 * @param {unknown} answer
 * @returns {string | null}
 */
export function detailOf(answer) {
  const isObject = typeof answer === "object" && answer !== null;
  return isObject && "detail" in answer && typeof answer.detail === "string" ? answer.detail : null;
}

/**
 * Return the message for a response that is an error.
 *
 * @param {number} status
 * @param {unknown} answer
 * @returns {string}
 */
export function problemOf(status, answer) {
  if (status === 401) {
    return "Your session has expired. Log in to Airflow in another tab, then continue here.";
  }
  return detailOf(answer) ?? `The request failed with HTTP status ${status}. Try again.`;
}

/**
 * Parse JSON; return an empty object if it is not JSON, for example a proxy's error page.
 *
 * @param {string} text
 * @returns {unknown}
 */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/**
 * Call one of the loop's endpoints; resolve to its JSON, whose shape the endpoint guarantees.
 *
 * A response that does not come within half a minute, or not completely, is none.
 *
 * @template T
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 * @returns {Promise<T>}
 * @throws {RequestError} if there is no response, or it is an error
 */
export async function ask(method, path, body) {
  const sent = body === undefined
    ? { headers: HEADERS }
    : { headers: { ...HEADERS, "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const unreachable = () => {
    throw new RequestError(UNREACHABLE, 0);
  };
  const request = { method, signal: AbortSignal.timeout(LONGEST_MS), ...sent };
  const response = await fetch(address(path), request).catch(unreachable);
  const answer = parsed(await response.text().catch(unreachable));
  if (!response.ok) {
    throw new RequestError(problemOf(response.status, answer), response.status);
  }
  return /** @type {T} */ (answer);
}

/**
 * Send a request that outlives the page. It has no further effect if it arrives a second time.
 *
 * @param {string} path
 * @param {unknown} body sent as JSON
 */
export function sendOnLeaving(path, body) {
  const headers = { ...HEADERS, "Content-Type": "application/json" };
  fetch(address(path), { method: "POST", keepalive: true, headers, body: JSON.stringify(body) }).catch(() => {});
}
