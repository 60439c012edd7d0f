// Shows a rejected text in place, with the reason: the response replaces the parameter's panel although it is an error.

/** @typedef {CustomEvent<{xhr: XMLHttpRequest, shouldSwap: boolean, isError: boolean}>} BeforeSwap */

document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {BeforeSwap} */ (event);
  const isPage = (detail.xhr.getResponseHeader("Content-Type") ?? "").startsWith("text/html");
  if (isPage && (detail.xhr.status === 409 || detail.xhr.status === 422)) {
    detail.shouldSwap = true;
    detail.isError = false;
  }
});
