// Finds what a page is made of.

/**
 * Return the first element below a root that a selector names.
 *
 * A page without it does not belong to its script: that is an error at once, and not at the first use.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} kind the class that it must have
 * @returns {T}
 */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) {
    throw new Error(`This page has no ${kind.name} ${selector}`);
  }
  return found;
}

/**
 * Return what an element's data attribute says. Where the element has none, that is an error.
 *
 * @param {HTMLElement} element
 * @param {string} name as in `dataset`
 * @returns {string}
 */
export function dataOf(element, name) {
  const text = element.dataset[name];
  if (text === undefined) {
    throw new Error(`An element of this page does not say its ${name}`);
  }
  return text;
}

/**
 * Return the closest element around an event's target that a selector names, or null.
 *
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function around(event, selector) {
  const found = event.target instanceof Element ? event.target.closest(selector) : null;
  return found instanceof HTMLElement ? found : null;
}
