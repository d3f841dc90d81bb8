// Credentials unfold in the row of their role. The form is sent as without JavaScript, and of the page that comes back
// the part with the credentials is put here. They leave the page when it is left, when they are closed and when they end.
(() => {
  const openers = new WeakMap(); // panel to the button that asked for it
  const asPage = new WeakSet(); // buttons whose form is to be sent as a page after all

  const close = (panel) => {
    const opener = openers.get(panel);
    panel.remove();
    if (opener) opener.focus();
  };

  const watch = (panel) => {
    const ends = Date.now() + Number(panel.dataset.seconds) * 1000;
    const left = panel.querySelector(".left");
    const timer = setInterval(() => {
      const minutes = Math.floor((ends - Date.now()) / 60000);
      if (!panel.isConnected) {
        clearInterval(timer);
      } else if (Date.now() >= ends) {
        clearInterval(timer);
        for (const part of panel.querySelectorAll(".keys-form, .keys-head > span")) part.remove();
        panel.querySelector(".over").hidden = false;
      } else if (minutes >= 60) {
        left.textContent = `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
      } else {
        left.textContent = minutes >= 1 ? `${minutes} min left` : "less than a minute left";
      }
    }, 5000);
  };

  const place = (button, row, panel) => {
    for (const old of row.querySelectorAll(".keys")) old.remove();
    openers.set(panel, button);
    panel.querySelector(".close").hidden = false;
    row.append(panel);
    panel.dispatchEvent(new Event("fedbroker:added", { bubbles: true }));
    watch(panel);
    panel.focus();
  };

  // fetched is the part with the credentials; null when something else came: a refusal, or a sign-in that is wanted.
  const fetched = async (form) => {
    const answer = await fetch("/credentials", { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
    if (!answer.ok) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector(".keys");
  };

  document.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button || !button.hasAttribute("formaction") || new URL(button.formAction).pathname !== "/credentials") return;
    const row = button.closest(".role-row");
    if (!row || asPage.delete(button)) return;
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    const panel = await fetched(event.target).catch(() => null);
    button.removeAttribute("aria-busy");
    if (panel) {
      place(button, row, document.adoptNode(panel));
      return;
    }
    asPage.add(button);
    event.target.requestSubmit(button);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".keys button.close");
    if (button) close(button.closest(".keys"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const row = event.target.closest(".role-row");
    const panel = row && row.querySelector(".keys");
    if (panel) close(panel);
  });

  for (const panel of document.querySelectorAll("main > .keys")) watch(panel);
  // A page that a browser keeps to come back to keeps no credentials.
  addEventListener("pagehide", () => {
    for (const panel of document.querySelectorAll(".keys")) panel.remove();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted && location.pathname === "/credentials") location.replace("/");
  });
})();
