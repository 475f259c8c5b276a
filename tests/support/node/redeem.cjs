// Redeems a coupon and takes it back, with the platform's own SDK. Prints every answer as JSON.
"use strict";

const sdk = require("@open-dy/open_api_sdk");
const Credential = require("@open-dy/open_api_credential").default;

const { clientKey, clientSecret, accountId, poiId, encryptedData } = JSON.parse(process.argv[2]);

async function main() {
  const client = new sdk.default({ clientKey, clientSecret });
  const answers = {};

  const credential = new Credential({ clientKey, clientSecret });
  const { accessToken } = await credential.getClientToken();
  answers.token = await client.oauthClientToken(
    new sdk.OauthClientTokenRequest({
      clientKey,
      clientSecret,
      grantType: "client_credential",
    }),
  );

  answers.prepare = await client.certificatePrepare(
    new sdk.CertificatePrepareRequest({ accessToken, encryptedData, poiId }),
  );
  const prepared = answers.prepare.data;
  const verify = new sdk.CertificateVerifyRequest({
    accessToken,
    poiId,
    verifyToken: prepared.verifyToken,
    encryptedCodes: prepared.certificates.map((one) => one.encryptedCode),
  });
  answers.verify = await client.certificateVerify(verify);
  answers.verifyAgain = await client.certificateVerify(verify);
  const verified = answers.verify.data.verifyResults[0];

  answers.query = await client.certificateQuery(
    new sdk.CertificateQueryRequest({ accessToken, orderId: prepared.orderId }),
  );
  answers.get = await client.certificateGet(
    new sdk.CertificateGetRequest({ accessToken, encryptedCode: verified.code }),
  );
  answers.records = await client.verifyRecordQuery(
    new sdk.VerifyRecordQueryRequest({
      accessToken,
      accountId,
      cursor: "0",
      size: 20,
      poiIds: [poiId],
    }),
  );
  answers.orders = await client.tradeOrderQuery(
    new sdk.TradeOrderQueryRequest({ accessToken, accountId, pageNum: 1, pageSize: 10 }),
  );
  answers.nextOrders = await client.tradeOrderQuery(
    new sdk.TradeOrderQueryRequest({
      accessToken,
      accountId,
      pageSize: 10,
      cursor: answers.orders.data.searchAfter.cursorValue,
    }),
  );
  answers.cancel = await client.certificateCancel(
    new sdk.CertificateCancelRequest({
      accessToken,
      certificateId: verified.certificateId,
      verifyId: verified.verifyId,
      cancelToken: "once",
    }),
  );
  answers.refusal = await client
    .certificatePrepare(
      new sdk.CertificatePrepareRequest({ accessToken, code: "100000000000", poiId }),
    )
    .then(() => "no refusal", (error) => ({ code: error.code, message: error.message }));
  return answers;
}

main().then(
  (answers) => process.stdout.write(JSON.stringify(answers)),
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
