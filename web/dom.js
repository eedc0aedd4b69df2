// Making and keeping elements. Text only ever goes in as text: there is no way to give markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, className, ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside);
  return made;
}

export function button(className, text, run) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", run);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

// A picture of one path, for the eye only: what it says is said in words, too.
export function picture(className, width, height) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", className);
  made.setAttribute("viewBox", `0 0 ${width} ${height}`);
  made.setAttribute("preserveAspectRatio", "none");
  made.setAttribute("aria-hidden", "true");
  made.append(document.createElementNS(SVG, "path"));
  return made;
}

// Writing what is there already would cost a layout, and a reader's selection. A text that changes
// stays the same node: to put another there costs a frame more than to write in it.
export function setText(node, text) {
  const only = node.firstChild;
  if (only instanceof Text && !only.nextSibling) {
    if (only.data !== text) only.data = text;
  } else if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

const known = new WeakMap(); // parent -> key -> child

// Makes the children of `parent` those of `items`, in order. A child stays as long as its key does,
// and with it its focus, its scroll and whether it is folded.
export function reconcile(parent, items, keyOf, make, update) {
  const before = known.get(parent) ?? new Map();
  const after = new Map();
  const focused = document.activeElement;
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    const child = before.get(key) ?? make(item);
    before.delete(key);
    after.set(key, child);
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const child of before.values()) child.remove();
  known.set(parent, after);
  // Moving an element takes its focus away.
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}
