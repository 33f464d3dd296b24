"use strict";
// The page is whole without this script; it adds pages, search, choices, sorting, and the review with its export.
// It never makes markup out of text: every word it shows goes through textContent.
(() => {
  const make = (name, properties = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (/^(aria|role)/.test(key)) node.setAttribute(key.replace("aria", "aria-").toLowerCase(), value);
      else node[key] = value;
    }
    node.append(...children);
    return node;
  };

  // Numbers are written for people: 1,234 and −0.5 and 12.3 %.
  const sortKey = (cell) => {
    const text = cell.textContent.trim();
    const number = parseFloat(text.replace(/[,\s]/g, "").replace("−", "-").replace(/^[<>+]/, ""));
    return Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const compare = (a, b) =>
    typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;

  const pageable = (frame) => {
    const holder = frame.querySelector("tbody, .stack");
    let items = [...holder.children];
    const label = frame.dataset.label;
    const size = Number(frame.dataset.page);
    const state = { page: 0, search: "", facets: {} };
    const tools = make("div", { className: "tools" });
    const status = make("span", { role: "status" });

    const show = () => {
      const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
      const found = items.filter((item) => {
        if (Object.entries(state.facets).some(([name, value]) => value && item.dataset[name] !== value)) return false;
        if (!words.length) return true;
        item.searchText ??= item.textContent.toLowerCase();
        return words.every((word) => item.searchText.includes(word));
      });
      const pages = Math.max(1, Math.ceil(found.length / size));
      state.page = Math.min(state.page, pages - 1);
      const visible = new Set(found.slice(state.page * size, (state.page + 1) * size));
      for (const item of items) item.hidden = !visible.has(item);
      const first = found.length ? state.page * size + 1 : 0;
      const last = state.page * size + visible.size;
      status.textContent = `${first}–${last} of ${found.length}`;
      back.disabled = state.page === 0;
      next.disabled = state.page >= pages - 1;
    };
    const turn = (step) => () => {
      state.page += step;
      show();
    };
    const back = make("button", { type: "button", textContent: "←", ariaLabel: `${label}: previous page`, onclick: turn(-1) });
    const next = make("button", { type: "button", textContent: "→", ariaLabel: `${label}: next page`, onclick: turn(1) });

    const search = make("input", { type: "search", placeholder: "Search", ariaLabel: `Search in ${label}` });
    search.addEventListener("input", () => {
      state.search = search.value;
      state.page = 0;
      show();
    });
    tools.append(search);
    for (const facet of Object.keys(items[0]?.dataset ?? {})) {
      const values = [...new Set(items.map((item) => item.dataset[facet]))].sort();
      if (!facet.startsWith("f") || values.length < 2) continue;
      const name = facet.slice(1).toLowerCase();
      const choice = make("select", { ariaLabel: `${label}: ${name}` }, new Option(`every ${name}`, ""));
      for (const value of values) choice.append(new Option(value.length > 60 ? `${value.slice(0, 60)}…` : value, value));
      choice.addEventListener("change", () => {
        state.facets[facet] = choice.value;
        state.page = 0;
        show();
      });
      tools.append(choice);
    }
    tools.append(make("span", { className: "pages" }, status, back, next));
    if (items.length > 5) frame.prepend(tools);

    frame.querySelectorAll("thead th").forEach((head, column) => {
      if (!head.textContent || head.classList.contains("review") || items.length < 3) return;
      const button = make("button", { type: "button", className: "sort", textContent: head.textContent });
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        frame.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const keyed = items.map((item) => [sortKey(item.children[column]), item]);
        keyed.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
        items = keyed.map(([, item]) => item);
        holder.append(...items);
        show();
      });
      head.replaceChildren(button);
    });
    show();
  };

  // Review: decisions by content id, kept in this browser until they are exported or cleared.
  const storageKey = `tunegate-review:${document.body.dataset.run}`;
  const recall = () => {
    try {
      return new Map(JSON.parse(localStorage.getItem(storageKey) ?? "[]"));
    } catch {
      return new Map();
    }
  };
  const decisions = recall();
  const redraws = [];

  const remember = () => {
    try {
      localStorage.setItem(storageKey, JSON.stringify([...decisions]));
    } catch {
      // a browser without storage still exports
    }
    for (const redraw of redraws) redraw();
  };

  const reviewable = (slot) => {
    const id = slot.dataset.id;
    const button = (action) =>
      make("button", {
        type: "button",
        className: action,
        textContent: action,
        title: `${action} (${action[0].toUpperCase()})`,
        onclick: () => {
          if (decisions.get(id)?.action === action) decisions.delete(id);
          else decisions.set(id, { why: "", ...decisions.get(id), action });
          remember();
        },
      });
    const keep = button("keep");
    const drop = button("drop");
    const note = make("input", { placeholder: "why", ariaLabel: "why", maxLength: 500 });
    note.addEventListener("change", () => {
      decisions.set(id, { ...decisions.get(id), why: note.value });
      remember();
    });
    const redraw = () => {
      const decision = decisions.get(id);
      keep.setAttribute("aria-pressed", decision?.action === "keep");
      drop.setAttribute("aria-pressed", decision?.action === "drop");
      note.hidden = !decision;
      if (decision && document.activeElement !== note) note.value = decision.why;
    };
    redraws.push(redraw);
    redraw();
    slot.append(make("span", { className: "choice" }, keep, drop, note));
  };

  const reviewBar = () => {
    const count = make("span", { role: "status" });
    const by = make("input", { placeholder: "your name", ariaLabel: "your name", autocomplete: "name", maxLength: 100 });
    const send = make("button", { type: "button", className: "primary", textContent: "Export overrides.jsonl" });
    const hint = make("span", { className: "muted", textContent: "K keep, D drop, ↑ ↓ next row" });
    const clear = make("button", { type: "button", textContent: "Clear" });
    send.addEventListener("click", () => {
      const lines = [...decisions].map(([id, { action, why }]) => JSON.stringify({ id, action, by: by.value.trim(), why }));
      const file = new Blob([lines.join("\n") + "\n"], { type: "application/x-ndjson" });
      const link = make("a", { href: URL.createObjectURL(file), download: "overrides.jsonl" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    clear.addEventListener("click", () => {
      decisions.clear();
      remember();
    });
    const bar = make("div", { className: "bar-review", role: "region", ariaLabel: "Review" }, count, by, send, clear, hint);
    redraws.push(() => {
      bar.hidden = decisions.size === 0;
      count.textContent = `${decisions.size} ${decisions.size === 1 ? "decision" : "decisions"}`;
    });
    document.body.append(bar);
  };

  // K keeps and D drops the row that has the focus, ↑ and ↓ move between rows.
  const keyboard = (event) => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = event.target.closest("tbody tr, .member");
    if (!row) return;
    const action = { k: "keep", d: "drop" }[event.key.toLowerCase()];
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (action) row.querySelector(`.choice .${action}`)?.click();
    if (step) {
      let other = row[step];
      while (other?.hidden) other = other[step];
      other?.querySelector(".choice .keep")?.focus();
      if (other) event.preventDefault();
    }
  };

  document.querySelectorAll("[data-id]").forEach(reviewable);
  document.querySelectorAll(".paged").forEach(pageable);
  if (document.querySelector("[data-id]")) reviewBar();
  for (const redraw of redraws) redraw();
  document.addEventListener("keydown", keyboard);
})();
