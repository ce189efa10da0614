// What every page needs: the sheet, forms that are sent once, sortable tables, copying, and the offline banner.
// All of it only adds comfort: links and forms work without this file.

const sheet = document.getElementById("sheet");
const body = document.getElementById("sheet-body");
let opener = null;

function show(templateId) {
  const template = document.getElementById(templateId);
  body.replaceChildren(template.content.cloneNode(true));
}

function open(link) {
  opener = link;
  show("sheet-loading");
  if (!sheet.open) sheet.showModal();
}

if (sheet) {
  // htmx answers the same click; this opens the sheet at once, so that the tap is felt before the network answers.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.closest?.("[data-sheet]")) open(event.target.closest("[data-sheet]"));
  });
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    document.addEventListener(failure, (event) => {
      if (!event.target.closest?.("[data-sheet]") || !sheet.open) return;
      show("sheet-failed");
      body.querySelector("[data-retry]").href = opener?.href ?? location.href;
    });
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== body) return;
    const heading = body.querySelector("h1, h2");
    if (heading) {
      heading.id = "sheet-title";
      sheet.setAttribute("aria-labelledby", "sheet-title");
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
  });
  sheet.addEventListener("click", (event) => {
    if (event.target === sheet || event.target.closest("[data-close]")) sheet.close();
  });
  sheet.addEventListener("close", () => {
    body.replaceChildren();
    sheet.removeAttribute("aria-labelledby");
    opener?.focus();
  });
}

// ---- forms that move something: sent once, shown as pending, with words when it takes long
const SLOW_MS = 8000;

function pend(form, on) {
  form.classList.toggle("is-pending", on);
  form.setAttribute("aria-busy", String(on));
  for (const button of form.querySelectorAll("button[type=submit]")) {
    if (on) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.once === undefined || event.defaultPrevented) return;
  if (form.classList.contains("is-pending")) {
    event.preventDefault();
    return;
  }
  pend(form, true);
  setTimeout(() => {
    form.parentElement?.querySelector("[data-slow]")?.removeAttribute("hidden");
    // The key in the form makes a second send harmless, so the button comes back.
    pend(form, false);
  }, SLOW_MS);
});

addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form.is-pending").forEach((form) => pend(form, false));
});

// A select that sends its form by itself; its button stays for those without this file.
for (const select of document.querySelectorAll("select[data-send]")) {
  const button = select.form?.querySelector("button[type=submit]");
  let byKey = false;
  select.addEventListener("keydown", () => { byKey = true; });
  select.addEventListener("pointerdown", () => { byKey = false; });
  select.addEventListener("change", () => { if (!byKey) select.form.requestSubmit(button ?? undefined); });
}

// ---- tables
function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.dataset.sort) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const numeric = head.dataset.sort === "number";
      const wasDown = head.getAttribute("aria-sort") === "descending";
      const wasUp = head.getAttribute("aria-sort") === "ascending";
      const down = numeric ? !wasDown : wasUp;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const compare = numeric
        ? (a, b) => Number(value(a)) - Number(value(b))
        : (a, b) => value(a).localeCompare(value(b), document.documentElement.lang);
      const rows = [...table.tBodies[0].rows].sort(compare);
      table.tBodies[0].append(...(down ? rows.reverse() : rows));
    });
  });
}
document.querySelectorAll("table[data-sortable]").forEach(sortable);

// ---- copying
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// ---- offline
const banner = document.getElementById("offline");
function network() {
  if (banner) banner.hidden = navigator.onLine;
}
addEventListener("online", network);
addEventListener("offline", network);
network();

// A menu closes by Escape and by a click beside it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// On a narrow screen the current tab may lie beyond the edge of its row.
document.querySelector(".sub-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
