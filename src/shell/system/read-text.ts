/** The first `bytesMax` bytes of a body as text; `undefined` when there are more. Throws when the connection breaks. */
export async function readText(response: Response, bytesMax: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (!body) return '';
  let text = '';
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
