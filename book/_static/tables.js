/* Tables of class `sortable`: a button in every heading sorts, a field above filters. Without this script
   they are plain tables. */
(() => {
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const number = text => {
  const powers = text.replace(/×10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/, (_, power) =>
    "e" + [...power].map(sign => sign === "⁻" ? "-" : RAISED.indexOf(sign)).join(""));
  const match = powers.replace(/\u2212/g, "-").replace(/,(?=\d{3})/g, "").match(/[-+]?\d*\.?\d+(e[-+]?\d+)?/);
  return match ? parseFloat(match[0]) : NaN;
};
const compare = (a, b) => {
  const [x, y] = [number(a), number(b)];
  return isNaN(x) || isNaN(y) || x === y ? a.localeCompare(b) : x - y;
};
// Whichever way is sorted, numbers stand before words and these before dashes.
const last = (text, numeric) => text === "–" ? 2 : numeric && isNaN(number(text)) ? 1 : 0;
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach(each => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const text = row => row.cells[column].innerText.trim();
      const numeric = body.rows[0] && body.rows[0].cells[column].classList.contains("number");
      const order = numeric ? compare : (a, b) => a.localeCompare(b);
      const rows = [...body.rows].map(row => [text(row), row]);
      rows.sort(([a], [b]) => last(a, numeric) - last(b, numeric) || (down ? -1 : 1) * order(a, b));
      body.append(...rows.map(([, row]) => row));
    });
  });
  if (!table.dataset.filter) continue;
  const label = document.createElement("label");
  label.className = "table-filter";
  const field = document.createElement("input");
  field.type = "search";
  const count = document.createElement("output");
  label.append(table.dataset.filter + " ", field, " ", count);
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(word => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${body.rows.length}`;
  };
  field.addEventListener("input", show);
  show();
  (table.closest(".table-scroll") || table).before(label);
}
})();
