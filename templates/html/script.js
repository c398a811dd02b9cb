"use strict";
// Without this script every number links to its entry below; with it the entry opens in a dialog.
(() => {
  const dialog = document.querySelector("dialog");
  if (!dialog || !dialog.showModal) return;
  const pages = [...document.querySelectorAll("main")];
  const place = dialog.querySelector("div");
  document.documentElement.classList.add("script");

  const show = (id) => {
    const page = pages.find((one) => id === one.id || id.startsWith(one.id + "-")) || pages[0];
    for (const one of pages) one.hidden = one !== page;
    document.documentElement.lang = page.lang;
    for (const link of document.querySelectorAll(".switch a")) {
      if (link.hash === "#" + page.id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  const entry = (hash) => {
    const found = document.getElementById(decodeURIComponent(hash.slice(1)));
    return found && found.closest("article");
  };
  const open = (article) => {
    const copy = article.cloneNode(true);
    copy.removeAttribute("id");
    place.replaceChildren(copy);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.n");
    if (link) {
      const article = entry(link.hash);
      if (article) {
        event.preventDefault();
        open(article);
      }
    } else if (event.target === dialog) {
      dialog.close();
    }
  });
  const follow = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const preferred = navigator.language.startsWith("zh") ? "zh" : "en";
    show(id || preferred);
    const article = id && entry(location.hash);
    if (article) open(article);
    else if (pages.some((one) => one.id === id)) scrollTo(0, 0);
    else if (id) document.getElementById(id)?.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  follow();
})();
