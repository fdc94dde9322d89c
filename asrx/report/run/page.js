// the words light up as they are played
for (const player of document.querySelectorAll("audio"))
  player.ontimeupdate = () => {
    for (const word of player.parentElement.querySelectorAll(".heard span"))
      word.classList.toggle("now", player.currentTime >= +word.dataset.start && player.currentTime < +word.dataset.end);
  };
