// The link for friends into the clipboard, where a browser allows it. Without this the link can be marked and copied.

const [link, copy] = ["link", "copy"].map((id) => document.getElementById(id));

if (copy && navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(link.value);
      copy.textContent = copy.dataset.copied;
    } catch {
      link.select();
    }
  });
}
