// Copy buttons. One has what it copies in data-copy, or beside itself in .text, which may be covered by a mask: copying
// shows nothing. Without a clipboard, and without JavaScript, there are none.
(() => {
  if (!navigator.clipboard) return;
  const status = document.createElement("p");
  status.className = "unseen";
  status.setAttribute("role", "status");
  document.body.append(status);

  const show = (root) => {
    for (const button of root.querySelectorAll("button.copy")) button.hidden = false;
  };
  show(document);
  document.addEventListener("fedbroker:added", (event) => show(event.target));

  const say = (button, text) => {
    status.textContent = "";
    const label = button.firstChild;
    const before = label.data;
    requestAnimationFrame(() => { status.textContent = text; });
    if (button.dataset.said) return;
    button.dataset.said = "yes";
    label.data = text;
    setTimeout(() => {
      label.data = before;
      delete button.dataset.said;
    }, 2000);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const text = button.dataset.copy ?? button.parentElement.querySelector(".text").textContent;
    try {
      await navigator.clipboard.writeText(text);
      say(button, "Copied");
    } catch {
      say(button, "Not copied");
    }
  });
})();
