// Keeps the pages of sources and runs up to date while something is under way; they work without it.
(function () {
  "use strict";

  var page = document.querySelector("[data-progress]");
  var EVERY = 3000, FAILS = 5;

  function number(value) { return Number(value || 0).toLocaleString(document.documentElement.lang || undefined); }

  // A bar with its count; without a known end it moves to and fro.
  function show(line, done, total) {
    if (!line) { return; }
    var bar = line.querySelector("[data-bar]"), count = line.querySelector("[data-count]");
    if (total) { bar.max = total; bar.value = Math.min(done || 0, total); } else { bar.removeAttribute("value"); }
    count.textContent = number(done) + (total ? " / " + number(total) : "");
  }

  function follow(page) {
    var stages = JSON.parse(page.dataset.stages || "{}"), fails = 0;
    var run = page.dataset.run, job = page.dataset.job;

    function showRun(found) {
      var card = page.matches(".live") ? page : page.querySelector("[data-live-run]");
      var reading = found.stage === "read";
      if (!card) { return; }
      var stage = card.querySelector("[data-stage]");
      if (found.alive && stage && stages[found.stage]) { stage.textContent = stages[found.stage]; }
      show(card.querySelector(".progress-line"), reading ? found.seen : found.done, reading ? found.total : found.todo);
      Array.prototype.forEach.call(document.querySelectorAll("[data-field]"), function (place) {
        if (found[place.dataset.field] !== undefined) { place.textContent = number(found[place.dataset.field]); }
      });
    }
    // True when the page as it stands says something that is over.
    function changed(answer) {
      if (answer.stage !== undefined) { return Boolean(answer.finished); }
      var waiting = page.querySelector("[data-live-preview]");
      if (waiting && (!answer.preview || answer.preview.state === "done" || answer.preview.state === "failed")) { return true; }
      if (answer.job === undefined) { return false; }
      if ((answer.job || "") !== job || (answer.run ? answer.run.id : "") !== run) { return true; }
      return Boolean(answer.run && answer.run.finished && page.querySelector("[data-live-run]"));
    }
    function ask() {
      if (document.hidden) { setTimeout(ask, EVERY); return; }
      fetch(page.dataset.progress, { headers: { Accept: "application/json" }, credentials: "same-origin" })
        .then(function (answer) { if (!answer.ok) { throw new Error(answer.status); } return answer.json(); })
        .then(function (answer) {
          fails = 0;
          // Whoever is filling in a form keeps what they have written.
          if (changed(answer) && !page.querySelector("form :focus")) { window.location.reload(); return; }
          if (answer.stage !== undefined) { showRun(answer); } else if (answer.run && !answer.run.finished) { showRun(answer.run); }
          var waiting = page.querySelector("[data-live-preview]");
          if (waiting && answer.preview) { show(waiting.querySelector(".progress-line"), answer.preview.done, answer.preview.total); }
          setTimeout(ask, EVERY);
        })
        .catch(function () { fails += 1; if (fails < FAILS) { setTimeout(ask, EVERY * fails); } });
    }
    setTimeout(ask, EVERY);
  }

  if (page && page.dataset.live !== "") { follow(page); }

  // Line numbers beside a text that follow it.
  Array.prototype.forEach.call(document.querySelectorAll("[data-editor]"), function (editor) {
    var text = editor.querySelector("textarea"), gutter = editor.querySelector(".gutter");
    function count() {
      var lines = text.value.split("\n").length + 1, shown = gutter.children.length;
      for (; shown < lines; shown += 1) {
        gutter.appendChild(document.createElement("span")).textContent = shown + 1;
        gutter.appendChild(document.createTextNode("\n"));
      }
    }
    text.addEventListener("input", count);
    text.addEventListener("scroll", function () { gutter.scrollTop = text.scrollTop; });
    count();
  });
})();
