// The page for people with programs: copying, the choice of a language, and the viewer.
(function () {
  "use strict";

  function each(selector, use) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), use);
  }

  // Copying works by keyboard too, and is told to those who do not see it.
  function copy(text, then) {
    if (navigator.clipboard) {
      navigator.clipboard.writeText(text).then(then, function () { select(text, then); });
    } else {
      select(text, then);
    }
  }
  // Where the page has no secure context, browsers have no clipboard but this old command.
  function select(text, then) {
    var field = document.createElement("textarea");
    var before = document.activeElement;
    field.value = text;
    field.setAttribute("readonly", "");
    field.style.position = "fixed";
    field.style.top = "-9999px";
    document.body.appendChild(field);
    field.select();
    var done = document.execCommand("copy");
    field.remove();
    before.focus();
    if (done) { then(); }
  }
  each("[data-copy-code]", function (button) {
    var status = document.getElementById("copy-status"), before = button.textContent, timer = null;
    button.hidden = false;
    button.addEventListener("click", function () {
      copy(document.getElementById(button.dataset.copyCode).textContent, function () {
        button.textContent = button.dataset.done;
        status.textContent = "";
        setTimeout(function () { status.textContent = button.dataset.done; }, 50);
        clearTimeout(timer);
        timer = setTimeout(function () { button.textContent = before; status.textContent = ""; }, 2000);
      });
    });
  });

  // One choice for all examples, kept for the next visit. Without scripts all of them are shown.
  each(".languages", function (choice) {
    var inputs = choice.querySelectorAll("input"), kept = null;
    function show(language) {
      each("[data-language]", function (part) { part.hidden = part.dataset.language !== language; });
    }
    try { kept = localStorage.getItem("hljshare-example-language"); } catch (error) { kept = null; }
    choice.hidden = false;
    Array.prototype.forEach.call(inputs, function (input) {
      if (input.value === kept) { input.checked = true; }
      input.addEventListener("change", function () {
        show(input.value);
        try { localStorage.setItem("hljshare-example-language", input.value); } catch (error) { /* not kept */ }
      });
    });
    show(choice.querySelector("input:checked").value);
  });

  // The viewer has no translations: its own words, and no others, are replaced as they appear.
  function translate(root, words) {
    var skipped = "pre, code, textarea, select, .markdown, .renderedMarkdown, .opblock-summary-path, .opblock-summary-description, .parameter__name";
    // Where the viewer puts its own words among those of the description.
    var own = ".parameters-col_description .renderedMarkdown i, .auth-container p > code";
    var chinese = document.documentElement.lang.indexOf("zh") === 0;
    function word(node) {
      var text = node.nodeValue.trim(), parent = node.parentElement;
      if (!text || !parent) { return; }
      if (words.hasOwnProperty(text) && (parent.matches(own) || !parent.closest(skipped)) && words[text] !== text) {
        node.nodeValue = node.nodeValue.replace(text, words[text]);
      }
      // The description is Chinese, whatever the language of the page (WCAG 3.1.2).
      if (!chinese && /[\u3000-\u9fff\uff00-\uffef]/.test(node.nodeValue)) { parent.lang = "zh-Hans"; }
    }
    function visit(node) {
      if (node.nodeType === Node.TEXT_NODE) { word(node); return; }
      if (node.nodeType !== Node.ELEMENT_NODE) { return; }
      var walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT), texts = [];
      while (walker.nextNode()) { texts.push(walker.currentNode); }
      texts.forEach(word);
      mend(node);
    }
    // What the viewer leaves without a name, or without a way in for the keyboard.
    function mend(node) {
      function all(selector, use) {
        if (node.matches(selector)) { use(node); }
        Array.prototype.forEach.call(node.querySelectorAll(selector), use);
      }
      all("[aria-label], [title], [placeholder]", function (part) {
        ["aria-label", "title", "placeholder"].forEach(function (name) {
          var found = words[part.getAttribute(name)];
          if (found) { part.setAttribute(name, found); }
        });
      });
      all("pre", function (part) { if (part.tabIndex < 0) { part.tabIndex = 0; } });
      all("tr[data-param-name]", function (row) {
        Array.prototype.forEach.call(row.querySelectorAll("input, select, textarea"), function (field) {
          if (!field.getAttribute("aria-label")) { field.setAttribute("aria-label", row.dataset.paramName); }
        });
      });
      all("select:not([aria-label]):not([id])", function (field) { field.setAttribute("aria-label", words["Media type"]); });
      // The page has its <main> already; and a button may hold no link.
      all("main", function (part) { part.setAttribute("role", "group"); part.setAttribute("aria-labelledby", "reference-title"); });
      all(".opblock-summary-control a[href]", function (link) { link.removeAttribute("href"); });
    }
    new MutationObserver(function (changes) {
      changes.forEach(function (change) {
        if (change.type === "characterData") { word(change.target); return; }
        Array.prototype.forEach.call(change.addedNodes, visit);
      });
    }).observe(root, { childList: true, subtree: true, characterData: true });
  }

  function nothing() { return function () { return null; }; }

  document.addEventListener("DOMContentLoaded", function () {
    var place = document.getElementById("api-viewer");
    if (!place) { return; }
    if (!window.SwaggerUIBundle) { place.textContent = place.dataset.failed; return; }
    translate(place, JSON.parse(place.dataset.words));
    window.SwaggerUIBundle({
      domNode: place,
      url: place.dataset.description,
      validatorUrl: null,  // nothing is sent to another site
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: -1,
      syntaxHighlight: { activated: false },
      supportedSubmitMethods: ["get"],
      presets: [window.SwaggerUIBundle.presets.apis],
      // The page itself has a title and says where the portal is.
      plugins: [{ wrapComponents: { InfoContainer: nothing, ServersContainer: nothing } }],
      // As a program asks: without the session of whoever looks at the page.
      requestInterceptor: function (request) { request.credentials = "omit"; return request; }
    });
  });
})();
