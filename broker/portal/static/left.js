// Counts the time that the login session has left. The server said how much that was when it made the page: this
// machine's clock may be wrong, but it runs.
(() => {
  const time = document.querySelector("time[data-left]");
  if (!time) return;
  const began = Date.now();
  const show = () => {
    const left = Number(time.dataset.left) - (Date.now() - began) / 1000;
    const minutes = Math.floor(left / 60);
    let text = "your session is over";
    if (minutes >= 60) text = `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
    else if (minutes >= 1) text = `${minutes} min left`;
    else if (left > 0) text = "less than a minute left";
    if (time.textContent !== text) time.textContent = text;
  };
  setInterval(show, 5000);
  document.addEventListener("visibilitychange", show);
})();
