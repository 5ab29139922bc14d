// Explorers and the files that the page carries.
"use strict";
window.lowtide = { explorers: [] };
{
  // What was written so that no "<" is in it.
  const textOf = (id) => document.getElementById(id).textContent.replace(/\\(.)/g, (_, letter) => (letter === "l" ? "<" : letter));

  const unpacked = (id) => {
    const bytes = Uint8Array.from(atob(textOf(id)), (letter) => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).blob();
  };

  // A link becomes one to its file when it is first clicked; where that takes time it is clicked again.
  for (const link of document.querySelectorAll("a.save")) {
    link.hidden = false;
    link.addEventListener("click", async (event) => {
      if (link.href.startsWith("blob:")) return;
      const id = link.dataset.source;
      if (!("packed" in document.getElementById(id).dataset)) {
        link.href = URL.createObjectURL(new Blob([textOf(id)], { type: "text/plain" }));
        return;
      }
      event.preventDefault();
      link.href = URL.createObjectURL(await unpacked(id));
      link.click();
    });
  }
  for (const root of document.querySelectorAll(".explorer"))
    lowtide.explorers.push(makeExplorer(root, JSON.parse(textOf(root.dataset.source)), root.dataset.name));
}
