// Finds elements of a page.

/**
 * Return the first element below a root that matches a selector.
 *
 * Throws at once, rather than at the first use, if the page has none: page and script do not match then.
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
 * Return an element's data attribute. Throws if the element has none.
 *
 * @param {HTMLElement} element
 * @param {string} name as in `dataset`
 * @returns {string}
 */
export function dataOf(element, name) {
  const text = element.dataset[name];
  if (text === undefined) {
    throw new Error(`An element of this page has no data attribute ${name}`);
  }
  return text;
}

/**
 * Return the closest element around an event's target that matches a selector, or null.
 *
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function around(event, selector) {
  const found = event.target instanceof Element ? event.target.closest(selector) : null;
  return found instanceof HTMLElement ? found : null;
}
