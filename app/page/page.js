// Explorers and the files that the page carries.
"use strict";
window.lowtide = { explorers: [] };
{
  // What was written so that no "<" is in it.
  const textOf = (id) => document.getElementById(id).textContent.replace(/\\(.)/g, (_, letter) => (letter === "l" ? "<" : letter));

  for (const link of document.querySelectorAll("a.save")) {
    link.hidden = false;
    link.addEventListener("click", () => {
      if (link.href.startsWith("blob:")) return; // made before
      link.href = URL.createObjectURL(new Blob([textOf(link.dataset.source)], { type: "text/plain" }));
    });
  }
  for (const root of document.querySelectorAll(".explorer"))
    lowtide.explorers.push(makeExplorer(root, JSON.parse(textOf(root.dataset.source)), root.dataset.name));
}
