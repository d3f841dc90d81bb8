// An issuer for the interop tests: npm's oidc-provider, giving JWT access tokens to clients by client_credentials.
//
//   node server.mjs ISSUER        listens on the issuer's host and port and prints "ready" on standard output
//
// Clients (secret "secret-of-" + id): "job" gets an ordinary token, "late" one that ended an hour ago.
// The audience is the request's resource parameter (RFC 8707).
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const issuer = new URL(process.argv[2]);
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), use: "sig", alg: "RS256" };

const client = (id) => ({
  client_id: id, client_secret: `secret-of-${id}`, grant_types: ["client_credentials"], response_types: [], redirect_uris: [],
});

const provider = new Provider(issuer.origin, {
  clients: [client("job"), client("late")],
  jwks: { keys: [jwk] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: "", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 300, jwt: { sign: { alg: "RS256" } },
      }),
    },
  },
  formats: {
    customizers: {
      jwt: (_ctx, token, jwt) => {
        if (token.clientId === "late") {
          jwt.payload.iat -= 3600;
          jwt.payload.exp -= 3600;
        }
        return jwt;
      },
    },
  },
  extraTokenClaims: () => ({ project: "interop", ref: "refs/heads/main" }),
});

provider.listen(Number(issuer.port), issuer.hostname, () => console.log("ready"));
