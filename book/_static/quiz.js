/* A quiz says why an answer is right or wrong: on a click, or by Enter or the space bar on the answer that
   the arrow keys reached. Without this script it says so at once. */
for (const quiz of document.querySelectorAll("form.quiz")) {
  let byKeys = false;
  const tell = input => {
    for (const answer of quiz.querySelectorAll(".answer"))
      answer.classList.toggle("chosen", answer.contains(input));
  };
  quiz.classList.add("live");
  quiz.querySelector("fieldset").insertAdjacentHTML(
    "beforeend", "<p class=\"by-keys\">Arrow keys choose, Enter checks.</p>");
  quiz.addEventListener("pointerdown", () => { byKeys = false; });
  quiz.addEventListener("keydown", event => {
    byKeys = true;
    if (event.target.type === "radio" && ["Enter", " "].includes(event.key)) {
      event.target.checked = true;
      tell(event.target);
    }
  });
  quiz.addEventListener("change", event => tell(byKeys ? null : event.target));
  quiz.addEventListener("submit", event => event.preventDefault());
}
