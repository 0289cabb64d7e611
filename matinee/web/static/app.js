// What pages do beyond links and forms. Every form here works without this file, by loading the page anew.

export const texts = JSON.parse(document.body.dataset.texts);
