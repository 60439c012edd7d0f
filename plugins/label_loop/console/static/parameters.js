// A text that is refused comes back as the part of the page that it was typed into, with the reason.

/** @typedef {CustomEvent<{xhr: XMLHttpRequest, shouldSwap: boolean, isError: boolean}>} BeforeSwap */

document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {BeforeSwap} */ (event);
  const isPage = (detail.xhr.getResponseHeader("Content-Type") ?? "").startsWith("text/html");
  if (isPage && (detail.xhr.status === 409 || detail.xhr.status === 422)) {
    detail.shouldSwap = true;
    detail.isError = false;
  }
});
