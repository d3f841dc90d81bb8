// The start page filters as one types. Without this script, and where the server has filtered already (/?q=), the form
// asks the server, which goes by the same rules (find.go).
(() => {
  const field = document.getElementById("q");
  if (!field) return;
  const typed = "fedbroker:typed"; // keeps what was typed while a favourite is kept, which loads the page anew
  const foldedFrom = 100; // roles; the same number as in home.go

  const filtered = field.defaultValue !== "";
  const status = document.getElementById("count");
  const shelves = document.querySelectorAll("main > .shelf");
  const rows = [...document.querySelectorAll("main > section:not(.shelf) .role-row")].map((item) => {
    const section = item.closest("section");
    const account = section.querySelector("h2 .name");
    const text = [item.dataset.arn, item.querySelector(".role").textContent, account ? account.textContent : item.dataset.account];
    return { item, section, text: text.join("\n").toLowerCase(), granted: "account" in section.dataset };
  });
  const total = rows.filter((row) => row.granted).length;
  const sections = [...new Set(rows.map((row) => row.section))];
  const foldOf = (section) => section.querySelector(":scope > details");
  const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const searching = words.length > 0;
    const hit = new Set();
    let shown = 0;
    for (const row of rows) {
      const matches = words.every((word) => row.text.includes(word));
      row.item.hidden = !matches;
      if (matches) hit.add(row.section);
      if (matches && row.granted) shown++;
    }
    for (const section of sections) {
      section.hidden = !hit.has(section);
      const fold = foldOf(section);
      if (fold) fold.open = searching && shown <= foldedFrom;
    }
    for (const shelf of shelves) shelf.hidden = searching;
    if (searching) status.textContent = shown ? `${shown} of ${counted(total, "role")}` : "No role matches";
    else status.textContent = `${counted(total, "role")} in ${counted(sections.filter((s) => "account" in s.dataset).length, "account")}`;
  };

  // Enter goes on to the first role that is left.
  const goOn = (event) => {
    event.preventDefault();
    const first = rows.find((row) => !row.item.hidden);
    if (!first) return;
    const fold = foldOf(first.section);
    if (fold) fold.open = true;
    first.item.querySelector("summary, a, button")?.focus();
  };

  if (!filtered) {
    field.addEventListener("input", filter);
    field.form.addEventListener("submit", goOn);
    document.addEventListener("submit", (event) => {
      if (event.submitter?.classList.contains("star")) sessionStorage.setItem(typed, field.value);
    });
    const before = sessionStorage.getItem(typed);
    sessionStorage.removeItem(typed);
    if (before) {
      field.value = before;
      filter();
    }
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
})();
