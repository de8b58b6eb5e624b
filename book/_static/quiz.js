/* A quiz says why an answer is right or wrong once it is chosen; without this script it says so at once. */
for (const quiz of document.querySelectorAll("form.quiz")) {
  quiz.classList.add("live");
  quiz.addEventListener("change", event => {
    for (const answer of quiz.querySelectorAll(".answer"))
      answer.classList.toggle("chosen", answer.contains(event.target));
  });
  quiz.addEventListener("submit", event => event.preventDefault());
}
