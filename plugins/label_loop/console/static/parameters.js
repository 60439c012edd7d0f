// A text that is refused comes back as the part of the page that it was typed into, with the reason.
"use strict";

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const isPage = (xhr.getResponseHeader("Content-Type") ?? "").startsWith("text/html");
  if (isPage && (xhr.status === 409 || xhr.status === 422)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
