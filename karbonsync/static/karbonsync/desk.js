/* Keeps the dashboard's numbers and the running check up to date while somebody looks at it. */
(() => {
    "use strict";

    const EVERY = 3000;

    const put = (element, text) => {
        if (element && element.textContent !== text) element.textContent = text;
    };

    const showRunning = (card, running) => {
        card.hidden = !running;
        if (!running) return;
        put(card.querySelector("[data-step]"), running.step);
        put(card.querySelector("[data-progress]"), running.progress);
    };

    const showCounts = (board, counts) => {
        for (const [key, { count, calls }] of Object.entries(counts)) {
            const tile = board.querySelector(`[data-tile="${key}"]`);
            if (!tile) continue;
            put(tile.querySelector("[data-count]"), count.toLocaleString("en"));
            tile.classList.toggle("ks-tile--calls", calls);
        }
    };

    const look = async (board) => {
        if (document.hidden) return;
        const answer = await fetch(board.dataset.progressUrl, { headers: { Accept: "application/json" }, redirect: "error" });
        if (!answer.ok) return;
        const news = await answer.json();
        showRunning(board.querySelector("[data-running]"), news.running);
        showCounts(board, news.counts);
        const isNew = news.last_check !== null && String(news.last_check) !== board.dataset.lastCheck;
        board.querySelector("[data-news]").hidden = !isNew || Boolean(news.running);
    };

    /* A page that waits for the worker looks again by itself, unless somebody is busy in it. */
    const reloadAfter = (note) => {
        const isBusy = () => document.hidden || document.activeElement?.matches("input, select, textarea");
        const again = () => (isBusy() ? setTimeout(again, EVERY) : location.reload());
        setTimeout(again, Number(note.dataset.reloadAfter) * 1000);
    };

    document.addEventListener("DOMContentLoaded", () => {
        document.querySelectorAll("[data-reload-after]").forEach(reloadAfter);
        const board = document.querySelector("[data-progress-url]");
        if (!board) return;
        const again = () => look(board).catch(() => {}).finally(() => setTimeout(again, EVERY));
        setTimeout(again, EVERY);
    });
})();
