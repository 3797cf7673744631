// Keys and counts on the handlers' desk, which works without them.
(function () {
  "use strict";

  var desk = document.querySelector("[data-desk]");
  if (!desk) { return; }
  var rows = Array.prototype.slice.call(desk.querySelectorAll("[data-desk-row]"));
  var all = desk.querySelector("[data-desk-all]");
  var status = desk.querySelector("[data-desk-chosen]");
  var help = desk.querySelector("[data-desk-help]");
  var active = -1;

  function box(row) { return row.querySelector("input[type=checkbox]"); }
  function boxes() { return rows.map(box).filter(Boolean); }
  function count() {
    var found = boxes(), chosen = found.filter(function (item) { return item.checked; });
    rows.forEach(function (row) { row.classList.toggle("chosen", Boolean(box(row) && box(row).checked)); });
    if (status) { status.textContent = chosen.length ? status.dataset.words.replace("{n}", chosen.length) : ""; }
    if (all) {
      all.checked = found.length > 0 && chosen.length === found.length;
      all.indeterminate = chosen.length > 0 && chosen.length < found.length;
    }
  }
  function go(place) {
    if (!rows.length) { return; }
    active = Math.max(0, Math.min(place, rows.length - 1));
    rows[active].querySelector("th a").focus();
    rows[active].scrollIntoView({ block: "nearest" });
  }

  if (all && boxes().length) {
    all.hidden = false;
    all.addEventListener("change", function () {
      boxes().forEach(function (item) { item.checked = all.checked; });
      count();
    });
  }
  rows.forEach(function (row, place) {
    row.addEventListener("focusin", function () { active = place; });
    row.addEventListener("change", count);
  });
  count();
  if (help) { help.hidden = false; }

  // Letters are for typing wherever something is typed or chosen.
  document.addEventListener("keydown", function (event) {
    var typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) { return; }
    if (event.key === "j" || event.key === "k") {
      go(active + (event.key === "j" ? 1 : active < 0 ? 0 : -1));
    } else if (event.key === "x" && active >= 0 && box(rows[active])) {
      box(rows[active]).checked = !box(rows[active]).checked;
      count();
    } else if (event.key === "/") {
      desk.querySelector("[data-desk-search]").focus();
    } else if (event.key === "?" && help) {
      help.open = !help.open;
      help.scrollIntoView({ block: "nearest" });
    } else {
      return;
    }
    event.preventDefault();
  });
})();
