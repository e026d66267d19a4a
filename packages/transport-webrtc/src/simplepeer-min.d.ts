/** The prebuilt file runs in a browser without polyfills; the package's root does not. Same class, same types. */
declare module 'simple-peer/simplepeer.min.js' {
  import SimplePeer from 'simple-peer'
  export default SimplePeer
}
