// What any of the entry points exports; the last module is that of a worker, whose own entry point is for workers alone.
export * from '../../src/index.ts'
export {
  KeyFrameRequestEvent,
  RTCRtpScriptTransformer,
  RTCTransformEvent,
} from '../../src/pc/encoded-transform/script-transformer.ts'
export * from '../../src/testing/index.ts'
