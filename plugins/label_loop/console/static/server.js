// Requests that the server accepts, and what its refusals say to people.

export const UNREACHABLE = "Airflow cannot be reached. Check your connection and try again.";

/** What every request of the console carries: other sites' pages cannot send it. */
export const HEADERS = { "X-Label-Loop": "console", Accept: "application/json" };

/** A request that failed, in words for people. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {number} status of HTTP; 0 where there was no answer
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
 * Return the reason that an answer gives, or null.
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
 * Read JSON, or an empty object where it is none: not ours, for example a proxy's page.
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
 * Ask one of the loop's endpoints; resolve to its JSON, whose shape the endpoint promises.
 *
 * @template T
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 * @returns {Promise<T>}
 * @throws {RequestError} where there is no answer, or it is a refusal
 */
export async function ask(method, path, body) {
  const request = body === undefined
    ? { method, headers: HEADERS }
    : { method, headers: { ...HEADERS, "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(address(path), request).catch(() => {
    throw new RequestError(UNREACHABLE, 0);
  });
  const answer = parsed(await response.text().catch(() => ""));
  if (!response.ok) {
    throw new RequestError(problemOf(response.status, answer), response.status);
  }
  return /** @type {T} */ (answer);
}

/**
 * Send what is to arrive although the page is left. What arrives twice is refused the second time.
 *
 * @param {string} path
 * @param {unknown} body sent as JSON
 */
export function sendOnLeaving(path, body) {
  const headers = { ...HEADERS, "Content-Type": "application/json" };
  fetch(address(path), { method: "POST", keepalive: true, headers, body: JSON.stringify(body) }).catch(() => {});
}
