// Making and keeping elements. Text only ever goes in as text: there is no way to give markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, className, ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside);
  return made;
}

// Writing what is there already would cost a layout, and a reader's selection.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const known = new WeakMap(); // parent -> key -> child

// Makes the children of `parent` those of `items`, in order. A child stays as long as its key does,
// and with it its focus, its scroll and whether it is folded.
export function reconcile(parent, items, keyOf, make, update) {
  const before = known.get(parent) ?? new Map();
  const after = new Map();
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
}
