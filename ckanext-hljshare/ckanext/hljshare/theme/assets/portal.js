// Adds to pages that work without it: typing suggestions, the sort menu, filters, copying.
(function () {
  "use strict";

  function each(selector, use) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), use);
  }

  // A combobox with a listbox, after the ARIA pattern: the focus stays in the field.
  function suggest(box) {
    var input = box.querySelector("input[role=combobox]");
    var list = box.querySelector(".suggest");
    var status = box.querySelector("[role=status]");
    var active = -1, timer = null, asked = 0;

    function options() { return list.querySelectorAll("[role=option]"); }
    function close() {
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    }
    function mark(index) {
      var found = options();
      if (!found.length) { return; }
      active = (index + found.length) % found.length;
      Array.prototype.forEach.call(found, function (option, place) {
        option.setAttribute("aria-selected", place === active ? "true" : "false");
      });
      input.setAttribute("aria-activedescendant", found[active].id);
      found[active].scrollIntoView({ block: "nearest" });
    }
    function show(suggestions) {
      list.textContent = "";
      suggestions.forEach(function (suggestion, place) {
        var option = document.createElement("li");
        option.id = list.id + "-" + place;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.url = suggestion.url;
        option.appendChild(document.createElement("span")).textContent = suggestion.title;
        option.appendChild(document.createElement("small")).textContent = suggestion.kind;
        list.appendChild(option);
      });
      active = -1;
      list.hidden = !suggestions.length;
      input.setAttribute("aria-expanded", suggestions.length ? "true" : "false");
      input.removeAttribute("aria-activedescendant");
      status.textContent = suggestions.length ? box.dataset.count.replace("{count}", suggestions.length) : "";
    }
    // The answer's lists, themes and agencies first: they are few and lead to many.
    function flat(answer) {
      return ["themes", "agencies", "titles"].reduce(function (found, list) {
        return found.concat((answer[list] || []).map(function (entry) {
          return { title: entry.title, url: entry.url, kind: box.dataset[list] };
        }));
      }, []);
    }
    function ask() {
      var typed = input.value.trim(), mine = ++asked;
      if (!typed) { close(); return; }
      fetch(box.dataset.suggest + "?q=" + encodeURIComponent(typed), { headers: { Accept: "application/json" } })
        .then(function (answer) { return answer.ok ? answer.json() : {}; })
        .then(function (answer) {
          if (mine === asked && document.activeElement === input) { show(flat(answer)); }
        })
        .catch(close);
    }
    input.addEventListener("input", function () {
      clearTimeout(timer);
      timer = setTimeout(ask, 150);
    });
    input.addEventListener("keydown", function (event) {
      if (event.isComposing) { return; }
      if (event.key === "Escape") {
        if (!list.hidden) { event.preventDefault(); close(); }
      } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) { ask(); } else { mark(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1)); }
      } else if (event.key === "Enter" && active >= 0 && !list.hidden) {
        event.preventDefault();
        window.location.href = options()[active].dataset.url;
      }
    });
    list.addEventListener("mousedown", function (event) {
      var option = event.target.closest("[role=option]");
      event.preventDefault();
      if (option) { window.location.href = option.dataset.url; }
    });
    input.addEventListener("blur", function () { setTimeout(close, 100); });
  }

  each("[data-suggest]", suggest);

  // The sort menu sends itself; without scripts its button does.
  each("select[data-autosubmit]", function (select) {
    var button = select.form.querySelector("button");
    if (button) { button.hidden = true; }
    select.addEventListener("change", function () { select.form.submit(); });
  });

  // On a wide window the filters are always open; on a phone they wait behind their button.
  each(".facet-toggle", function (toggle) {
    var wide = window.matchMedia("(min-width: 801px)");
    function follow() { toggle.open = wide.matches; }
    follow();
    wide.addEventListener("change", follow);
  });

  each("[data-copy]", function (button) {
    if (!navigator.clipboard) { button.hidden = true; return; }
    button.addEventListener("click", function () {
      var text = document.getElementById(button.dataset.copy).textContent;
      navigator.clipboard.writeText(text).then(function () {
        var before = button.textContent;
        button.textContent = button.dataset.done;
        setTimeout(function () { button.textContent = before; }, 2000);
      });
    });
  });

  // Finds organizations in the tree by their names, opening the branches that lead to them.
  each("[data-tree-filter]", function (input) {
    var tree = document.getElementById(input.dataset.treeFilter);
    var none = document.getElementById(input.dataset.treeFilter + "-none");
    function visit(item, typed, inherited) {
      var own = (item.dataset.name || "").toLowerCase().indexOf(typed) >= 0;
      var below = false;
      Array.prototype.forEach.call(item.querySelectorAll(":scope > details > ul > li, :scope > ul > li"), function (child) {
        below = visit(child, typed, inherited || own) || below;
      });
      var shown = !typed || own || below || inherited;
      item.hidden = !shown;
      var branch = item.querySelector(":scope > details");
      if (branch && typed) { branch.open = below; }
      return shown && (own || below);
    }
    input.form.addEventListener("submit", function (event) { event.preventDefault(); });
    input.addEventListener("input", function () {
      var typed = input.value.trim().toLowerCase(), any = false;
      Array.prototype.forEach.call(tree.children, function (item) { any = visit(item, typed, false) || any; });
      none.hidden = !typed || any;
    });
  });

  each("[data-tree-buttons]", function (row) {
    row.hidden = false;
    row.addEventListener("click", function (event) {
      var open = event.target.dataset.open;
      if (open) { each("#" + row.dataset.treeButtons + " details", function (branch) { branch.open = open === "true"; }); }
    });
  });

  // A menu closes by Escape and by a click outside it.
  each("details.menu", function (menu) {
    document.addEventListener("click", function (event) { if (!menu.contains(event.target)) { menu.open = false; } });
    menu.addEventListener("keydown", function (event) {
      if (event.key === "Escape" && menu.open) { menu.open = false; menu.querySelector("summary").focus(); }
    });
  });

  // A link into something that is folded opens it.
  function unfold() {
    var place = window.location.hash.length > 1 && document.getElementById(window.location.hash.slice(1));
    for (; place; place = place.parentElement) { if (place.tagName === "DETAILS") { place.open = true; } }
  }
  window.addEventListener("hashchange", unfold);
  unfold();

  // CKAN's upload field shows the present file's name in a field without a name of its own.
  each(".upload-type input[readonly]:not([aria-label])", function (input) {
    var label = input.closest(".upload-type").querySelector("label");
    if (label) { input.setAttribute("aria-label", label.textContent.trim()); }
  });

  // After an error the page begins at what is wrong.
  each(".error-explanation, .alert-error", function (summary) {
    summary.setAttribute("tabindex", "-1");
    if (document.activeElement === document.body) { summary.focus(); }
  });
})();
