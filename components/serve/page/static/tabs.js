/** The tabs of the page, as the WAI-ARIA Authoring Practices describe them: arrow keys move, the address remembers. */

/** Make the tabs work; `shown(id)` is told which panel is on view, at once and after each change. */
export function tabs(shown) {
  const all = [...document.querySelectorAll('[role="tab"]')];

  function select(tab, focus = false) {
    for (const other of all) {
      const on = other === tab;
      other.setAttribute("aria-selected", on);
      other.tabIndex = on ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !on;
    }
    if (focus) tab.focus();
    const id = tab.getAttribute("aria-controls");
    history.replaceState(null, "", `#${id}`);
    shown(id);
  }

  for (const [index, tab] of all.entries()) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const to = { Home: 0, End: all.length - 1 }[event.key] ?? (step && (index + step + all.length) % all.length);
      if (to === undefined) return;
      event.preventDefault();
      select(all[to], true);
    });
  }
  const named = () => all.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);
  window.addEventListener("hashchange", () => named() && select(named()));
  select(named() ?? all[0]);
}
