/* Tells how the preview is coming on, and shows it when it is done. */
(() => {
    "use strict";

    const EVERY = 1500;

    const look = async (card) => {
        const answer = await fetch(card.dataset.previewUrl, { headers: { Accept: "application/json" }, redirect: "error" });
        if (!answer.ok) return;
        const news = await answer.json();
        if (!news.is_under_way) {
            window.location.reload();
            return;
        }
        for (const [name, text] of [["state", news.state], ["progress", news.progress]]) {
            const place = card.querySelector(`[data-preview-${name}]`);
            if (place.textContent !== text) place.textContent = text;
        }
    };

    document.addEventListener("DOMContentLoaded", () => {
        const card = document.querySelector("[data-preview-url]");
        if (!card) return;
        const again = () => look(card).catch(() => {}).finally(() => setTimeout(again, EVERY));
        setTimeout(again, EVERY);
    });
})();
