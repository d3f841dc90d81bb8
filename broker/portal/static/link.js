// The link in the details of a role says what is typed beside it.
document.addEventListener("input", (event) => {
  const form = event.target.form;
  const link = form && form.querySelector(".role-link a");
  if (!link) return;
  const address = new URL(link.href);
  for (const name of ["destination", "region"]) {
    const value = form.elements[name].value.trim();
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  link.href = address.href.replaceAll("%2F", "/");
  link.textContent = link.href;
  form.querySelector(".role-link .copy").dataset.copy = link.href;
});
