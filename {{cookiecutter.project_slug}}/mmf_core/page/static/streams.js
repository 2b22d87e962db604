// Streams: a response that is shown while it comes.

const MAX_SHOWN = 200_000; // characters; the download has all

// Calls a target, and `onPiece` with each piece; resolves with the response, or with what has failed.
export async function stream(url, body, { onPiece, signal }) {
  const started = performance.now();
  const end = async (response, problem) => ({
    status: problem ? problem.status : (response?.status ?? 0),
    blob: problem ? new Blob([JSON.stringify(problem)]) : response?.ok === false ? await response.blob() : new Blob(),
    seconds: (performance.now() - started) / 1000,
  });
  try {
    const response = await fetch(url, { method: "POST", body, signal });
    return end(response, response.ok ? await readEvents(response, onPiece) : null);
  } catch {
    return end(null);
  }
}

// Resolves with the problem that has ended the stream, or null.
async function readEvents(response, onPiece) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read();
    if (done) throw new TypeError("the stream has broken off");
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const lines = event.split("\n");
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (lines[0] === "event: done") return null;
      if (lines[0] === "event: error") return JSON.parse(data);
      onPiece(data);
    }
  }
}

// Writes pieces into an element, each on a line of its own unless it is a part of a text.
export function writer(element, isText) {
  const pieces = [];
  let length = 0;
  return {
    pieces,
    write: (piece) => {
      const text = isText ? piece : `${piece}\n`;
      pieces.push(text);
      if (length < MAX_SHOWN) element.append(text);
      length += text.length;
    },
  };
}
