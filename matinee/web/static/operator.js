// The page of a running training: it follows the progress, and says when the training ends.
const SECONDS = 1.5;

async function follow() {
  let part = document.querySelector("#training[data-running]");
  while (part) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * SECONDS));
    let answer;
    try {
      answer = await fetch("/operator/training", { headers: { accept: "text/html" } });
    } catch {
      continue; // the server may be back in a moment
    }
    if (!answer.ok) {
      location.reload(); // the operator is not signed in any more
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const newer = page.querySelector("#training");
    if (!newer) return;
    const progress = part.querySelector("progress");
    const newProgress = newer.querySelector("progress");
    if (progress && newProgress) {
      // Only what has changed, so that the focus stays on its button
      progress.value = newProgress.value;
      part.querySelectorAll("section.panel-like > p:not(:has(progress))").forEach((line, place) => {
        const lines = newer.querySelectorAll("section.panel-like > p:not(:has(progress))");
        if (lines[place]) line.textContent = lines[place].textContent;
      });
      continue;
    }
    const hadFocus = part.contains(document.activeElement);
    part.replaceWith(newer);
    document.querySelector("main .told-here")?.remove();
    const said = newer.querySelector(".jobs tbody td:nth-of-type(2)");
    document.querySelector("#training-said").textContent = said ? said.textContent : "";
    if (hadFocus) {
      const heading = newer.querySelector("#jobs");
      heading.tabIndex = -1;
      heading.focus();
    }
    return;
  }
}

follow();
