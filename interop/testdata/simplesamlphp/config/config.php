<?php
// SimpleSAMLphp for the interop tests. What differs from run to run is in settings.json in the folder INTEROP_DIR,
// read at every request.
$interop = getenv('INTEROP_DIR') . '/';
$settings = json_decode(file_get_contents($interop . 'settings.json'), true, 16, JSON_THROW_ON_ERROR);

$config = [
    'baseurlpath' => $settings['base_url'] . '/',
    'certdir' => $interop,
    'loggingdir' => $interop,
    'datadir' => $interop,
    'tempdir' => $interop . 'tmp',
    'metadatadir' => __DIR__ . '/../metadata/',
    'metadata.sources' => [['type' => 'flatfile']],
    'secretsalt' => $settings['salt'],
    'auth.adminpassword' => $settings['salt'],
    'admin.checkforupdates' => false,
    'technicalcontact_name' => 'Interop',
    'technicalcontact_email' => 'interop@example.org',
    'timezone' => 'UTC',
    'enable.saml20-idp' => true,
    'module.enable' => ['exampleauth' => true, 'core' => true, 'saml' => true],
    'logging.handler' => 'file',
    'logging.level' => SimpleSAML\Logger::INFO,
    'session.duration' => $settings['session_seconds'],
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'session.phpsession.savepath' => $interop . 'tmp',
    'store.type' => 'phpsession',
    'language.available' => ['en'],
    'language.default' => 'en',
    'production' => true,
];
