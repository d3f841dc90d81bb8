// Sends the form on the page; without JavaScript its button does the same.
document.getElementById("go").submit();
