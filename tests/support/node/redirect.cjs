// Preloaded: TLS connections for open.douyin.com go to the simulator. Nothing else is changed; the
// name that the certificate is checked for stays the platform's.
"use strict";

const tls = require("node:tls");

const connect = tls.connect;
const port = Number(process.env.SIMULATOR_TLS_PORT);

tls.connect = function (options, ...rest) {
  if (options && options.host === "open.douyin.com") {
    return connect.call(this, { ...options, host: "127.0.0.1", port }, ...rest);
  }
  throw new Error(`a connection to ${options && options.host} was not expected`);
};
