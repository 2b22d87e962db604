// Streams: events that are shown while they come.

const MAX_SHOWN = 200_000; // characters; the download has all

// Returns `read`, for all of the text that has come so far, and `end`, for the response that it became.
export function streamIn(element, isText) {
  const pieces = [];
  let seen = 0, length = 0, failure = { status: 0 };
  const read = (text) => {
    const end = text.lastIndexOf("\n\n") + 2;
    if (end < 2) return;
    for (const event of text.slice(seen, end).split("\n\n").filter(Boolean)) {
      const lines = event.split("\n"), isPiece = lines[0].startsWith("data: ");
      const data = lines.slice(isPiece ? 0 : 1).map((line) => line.slice(6)).join("\n");
      if (!isPiece) failure = data ? JSON.parse(data) : null;
      else if ((length += data.length) && pieces.push(isText ? data : `${data}\n`) && length < MAX_SHOWN) element.append(pieces.at(-1));
    }
    seen = end;
  };
  const end = (response) => (failure ? { ...response, status: failure.status, blob: new Blob([JSON.stringify(failure)]) } : response);
  return { read, end, pieces };
}
