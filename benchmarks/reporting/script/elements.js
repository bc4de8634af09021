// What the other files make elements and texts of: every text is set as text, so that no label is taken for markup.
const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
};

// A name as its parts, which a narrow column may put below each other.
const broken = (name) => name.split(/(?<=\/)/).flatMap((part) => [part, make("wbr")]);

const shape = (name, attributes, inside) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (inside !== undefined) made.textContent = inside;
  return made;
};

const number = (x) => {
  if (x === null || x === undefined) return "–";
  const size = Math.abs(x);
  if (size === 0) return "0";
  if (size < 1e-3) return x.toExponential(2);
  return size >= 1000 ? Math.round(x).toLocaleString("en") : x.toFixed(Math.max(0, 2 - Math.floor(Math.log10(size))));
};

const unique = (values) => [...new Set(values)].filter((x) => x !== "");
