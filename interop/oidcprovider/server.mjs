// An issuer for the interop tests: npm's oidc-provider, giving JWT access tokens to clients by client_credentials.
//
//   node server.mjs ISSUER        listens on the issuer's host and port and prints "ready" on standard output
//
// Clients (secret "secret-of-" + id): "job" gets an ordinary token, "late" one that ended an hour ago.
// The audience is the request's resource parameter (RFC 8707).
//
// People sign in for client "people", at /oidc/people/callback on any loopback port (RFC 8252 section 7.3), with
// oidc-provider's own development forms: whatever name is typed is who it is. Groups are in userinfo only.
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

const issuer = new URL(process.argv[2]);
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), use: "sig", alg: "RS256" };

const client = (id) => ({
  client_id: id, client_secret: `secret-of-${id}`, grant_types: ["client_credentials"], response_types: [], redirect_uris: [],
});

const provider = new Provider(issuer.origin, {
  clients: [client("job"), client("late"), {
    client_id: "people", client_secret: "secret-of-people", application_type: "native",
    redirect_uris: ["http://localhost/oidc/people/callback"], grant_types: ["authorization_code"], response_types: ["code"],
  }],
  claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, groups: id === "alice" ? ["aws-admins"] : ["guests"] }),
  }),
  jwks: { keys: [jwk] },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
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
