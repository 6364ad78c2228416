
// With --single-file: the bytes that stand above as text. A worklet has no atob.
function decoded(base64) {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const bytes = new Uint8Array((base64.length * 3) >> 2); // written without padding
  for (let k = 0, at = 0, bits = 0; at < bytes.length; k++) {
    bits = (bits << 6) | digits.indexOf(base64[k]);
    if (k % 4) bytes[at++] = bits >> (6 - 2 * (k % 4));
  }
  return bytes;
}
