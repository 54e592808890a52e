"use strict";
// Beside each address a button that copies it. Without scripts there is no button, and the address can be selected.
for (const box of document.querySelectorAll("[data-copy]")) {
  const field = box.querySelector("input");
  const button = box.querySelector("button");
  const said = document.createElement("span");
  said.className = "hidden";
  said.setAttribute("role", "status");
  box.append(said);
  field.addEventListener("focus", () => field.select());
  button.setAttribute("aria-label", `Copy the ${field.getAttribute("aria-label").replace("Address", "address")}`);
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch { // without HTTPS there is no clipboard to write to
      field.select();
      if (!document.execCommand("copy")) return;
    }
    button.textContent = said.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; said.textContent = ""; }, 2000);
  });
}
