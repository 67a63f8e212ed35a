"use strict";
// What pages do beyond links and forms. Everything works without it, but for pictures and renewal.
document.documentElement.classList.add("js");

const menu = document.getElementById("menu");
if (menu) {
  const nav = document.getElementById("nav");
  menu.addEventListener("click", () => {
    const open = nav.classList.toggle("open");
    menu.setAttribute("aria-expanded", String(open));
  });
}
