// Shows a button that copies the group's link, if the browser gives access to the clipboard. Without
// the button, people select and copy the link themselves.

const link = document.getElementById("link");
const button = document.getElementById("copy");

if (button && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(link.value);
      button.textContent = button.dataset.copied;
    } catch {
      link.select();
    }
  });
}
