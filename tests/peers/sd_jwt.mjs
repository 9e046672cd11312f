// SD-JWT VC by @sd-jwt: one job from standard input, its result on standard output. Run in the folder of the peers.
import {issuerInstance, present, verify} from './lib/sdjwt.mjs';

let text = '';
for await (const part of process.stdin) { text += part; }
const job = JSON.parse(text);
const done = {
  async verify() {
    const requireKb = job.nonce && {aud: job.aud, nonce: job.nonce};
    return (await verify(job.text, {requireKb, jwks: [job.issuerJwk], checkStatus: false})).claims;
  },
  async issue() {
    return issuerInstance(job.issuerJwk).issue(job.claims, {
      _sd: ['colour', 'engine'], _sd_decoy: 2,
      seat: {_sd: ['row']}, stops: {_sd: [1]}, engine: {_sd: ['power']},
    });
  },
  async present() {
    const frame = {colour: true, stops: {1: true}, engine: {power: true}};
    return present(job.text, frame, {holderJwk: job.holderJwk, aud: job.aud, nonce: job.nonce});
  },
};
console.log(JSON.stringify(await done[job.do]()));
